package watch

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// kinds are the names under which observations are written down. They are read back by
// later builds: a name is never given to something else.
var kinds = map[string]Observation{
	"tick": Tick{}, "sign": SignSeen{}, "tcp_probe": TCPProbed{}, "api_probe": APIProbed{}, "models": ModelsTold{}, "release": ReleaseTold{},
	"version": VersionAnswered{}, "inspection": Inspected{}, "event": EventTold{}, "activity": ActivityRead{},
	"gpus": GPUsSeen{}, "gpu_log": HintRead{}, "loaded": LoadedListed{}, "probe_overdue": ProbeOverdue{},
	"probe_answer": ProbeAnswered{}, "probe_end": ProbeEnded{}, "processes": ProcessesSeen{}, "load_end": LoadEnded{},
	"restore_end": RestoreEnded{}, "check_end": CheckEnded{}, "pull": PullMoved{}, "pull_end": PullEnded{},
	"remedy_end": RemedyEnded{}, "pause": PauseAsked{}, "resume": ResumeAsked{}, "restart": RestartAsked{},
}

// KindOf is the name under which an observation is written down.
func KindOf(seen Observation) string {
	for kind, zero := range kinds {
		if reflect.TypeOf(zero) == reflect.TypeOf(seen) {
			return kind
		}
	}
	return ""
}

// Read reads an observation back from its JSON.
func Read(kind string, text []byte) (Observation, error) {
	zero, known := kinds[kind]
	if !known {
		return nil, fmt.Errorf("no observation is called %q", kind)
	}
	read := reflect.New(reflect.TypeOf(zero))
	if len(text) > 0 {
		if err := json.Unmarshal(text, read.Interface()); err != nil {
			return nil, fmt.Errorf("cannot read an observation of kind %q: %w", kind, err)
		}
	}
	return read.Elem().Interface().(Observation), nil
}
