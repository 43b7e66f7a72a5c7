package policy

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Written is an act as it is written down: its name in front of what it holds.
type Written struct{ Act Act }

// MarshalJSON gives {"SetGate": {…}}.
func (w Written) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(w.Act)
	if err != nil {
		return nil, fmt.Errorf("cannot write down an act: %w", err)
	}
	return fmt.Appendf(nil, "{%q:%s}", reflect.TypeOf(w.Act).Name(), text), nil
}
