package replay

import (
	"encoding/json"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
)

// line is one line of a record.
type line struct {
	Settings *policy.Settings `json:"settings,omitempty"` // on the first
	At       time.Time        `json:"at"`
	Saw      string           `json:"saw,omitempty"` // the kind of observation; empty on the first
	What     json.RawMessage  `json:"what,omitempty"`
	// In are the inputs; absent where they are those of the line before.
	In  *policy.Inputs  `json:"in,omitempty"`
	Did json.RawMessage `json:"did,omitempty"` // an array of acts; absent for none
}

// written are acts as they stand in a record; nil for none.
func written(acts []policy.Act) (json.RawMessage, error) {
	if len(acts) == 0 {
		return nil, nil
	}
	list := make([]policy.Written, 0, len(acts))
	for _, act := range acts {
		list = append(list, policy.Written{Act: act})
	}
	return json.Marshal(list)
}
