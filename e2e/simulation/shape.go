package simulation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// said are the fields whose text is part of what the server promises. Of all
// others only the kind is compared.
var said = map[string]bool{
	"error": true, "message": true, "type": true, "done_reason": true, "finish_reason": true,
	"role": true, "object": true, "status": true, "model": true, "name": true,
}

// unread are fields that are not compared, with the reason: nobody reads them
// from a server that may be either.
var unread = map[string]string{
	"context":      "of /api/generate: the conversation as tokens, to be sent back; Ollama calls it deprecated",
	"tensors":      "of /api/show: the names and shapes of the weights",
	"model_info":   "of /api/show: what the file of the weights says of them",
	"template":     "of /api/show: the two have different ones",
	"parameters":   "of /api/show: the two have different ones; a behaviour of its own sets one",
	"modelfile":    "of /api/show: likewise",
	"parent_model": "of /api/show: from what file a model was made",
}

// shape describes a JSON document: every field with its kind, in order of their
// names. What is no document is told as it is.
func shape(text string) string {
	var document any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return text
	}
	return shapeOf("", document)
}

func shapeOf(field string, value any) string {
	switch value := value.(type) {
	case map[string]any:
		var fields []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if unread[name] == "" {
				fields = append(fields, name+":"+shapeOf(name, value[name]))
			}
		}
		return "{" + strings.Join(fields, " ") + "}"
	case []any:
		var kinds []string
		for _, element := range value {
			kinds = append(kinds, shapeOf(field, element))
		}
		slices.Sort(kinds)
		return "[" + strings.Join(slices.Compact(kinds), " ") + "]"
	case string:
		return shapeOfText(field, value)
	case float64:
		return "number"
	case nil:
		return "nothing"
	}
	return fmt.Sprint(value) // true or false, which says what an answer means
}

func shapeOfText(field, text string) string {
	if said[field] || text == "" {
		return strconv.Quote(text)
	}
	if _, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return "time"
	}
	return "text"
}
