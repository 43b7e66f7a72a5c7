package ollama

import (
	"context"
	"encoding/json"
)

// Tag is a name that Ollama lists, and what it stands for.
type Tag struct {
	Name   string // normalised
	Digest string // of its manifest: that of its copies, and another one after each change
	Bytes  uint64 // of its files
	// Remote says that another machine runs it, by whatever name it goes here.
	Remote bool
}

// Tags lists the models on the disk.
func (c *Client) Tags(ctx context.Context) ([]Tag, error) {
	var reply struct {
		Models []struct {
			Name        string `json:"name"`
			Digest      string `json:"digest"`
			Size        int64  `json:"size"`
			RemoteHost  string `json:"remote_host"`
			RemoteModel string `json:"remote_model"`
		} `json:"models"`
	}
	if err := c.getJSON(ctx, "/api/tags", &reply); err != nil {
		return nil, err
	}
	tags := make([]Tag, 0, len(reply.Models))
	for _, m := range reply.Models {
		tags = append(tags, Tag{
			Name: NormalizeModel(m.Name), Digest: m.Digest, Bytes: uint64(max(m.Size, 0)),
			Remote: m.RemoteHost != "" || m.RemoteModel != "",
		})
	}
	return tags, nil
}

// Description is what /api/show tells of a model, as far as Clawgate goes by it. It
// holds for as long as the digest of the manifest is the same.
type Description struct {
	Variant   Variant
	Abilities Abilities
	Remote    bool // another machine runs it, so that it has no place
}

// Describe asks what a model is whose manifest has that digest. Of one that is remote
// by its name it asks nothing, since Ollama would ask that machine. An answer over
// 8 MiB is an error: it holds the model's texts twice.
//
// Releases of 2026 answer it from what they remember of the manifest (seen on
// 0.32.14), and so after the file of the weights is gone.
func (c *Client) Describe(ctx context.Context, model, digest string) (Description, error) {
	if Remote(model) {
		return Description{Remote: true}, nil
	}
	reply, err := c.show(ctx, model)
	if err != nil {
		return Description{}, err
	}
	return reply.description(digest), nil
}

// showReply is what is read of an answer to /api/show. The capabilities in /api/tags
// of 0.32.14 are no substitute: it lists an embedding model as one that speaks when
// its file tells so behind its vocabulary.
type showReply struct {
	Modelfile    string   `json:"modelfile"`
	Parameters   string   `json:"parameters"`
	Capabilities []string `json:"capabilities"`
	RemoteHost   string   `json:"remote_host"`
	RemoteModel  string   `json:"remote_model"`
}

func (c *Client) show(ctx context.Context, model string) (reply showReply, err error) {
	err = c.postJSON(ctx, "/api/show", map[string]string{"model": model}, &reply)
	return reply, err
}

func (r showReply) description(digest string) Description {
	if r.RemoteHost != "" || r.RemoteModel != "" {
		return Description{Remote: true}
	}
	return Description{Variant: variantOf(r.Modelfile, r.Parameters, digest), Abilities: AbilitiesOf(r.Capabilities)}
}

// Blob returns the path of the model's weights inside the container, which the
// runner has on its command line; empty when the server does not tell.
func (c *Client) Blob(ctx context.Context, model string) (string, error) {
	reply, err := c.show(ctx, model)
	if err != nil {
		return "", err
	}
	if weights := filesOf(reply.Modelfile).weights; blobOf(weights) != "" {
		return weights, nil
	}
	return "", nil
}

// EnsureParameters writes options into the model's own parameters, so that
// every API uses them: /v1 ignores options in a body, and each difference
// between /api and /v1 starts a new runner (seen on 0.9.6 and 0.17.4). It
// writes nothing when they are there already. Parameters that options do not
// name stay as they are.
func (c *Client) EnsureParameters(ctx context.Context, model string, options map[string]json.RawMessage) (changed bool, err error) {
	if len(options) == 0 {
		return false, nil
	}
	reply, err := c.show(ctx, model)
	if err != nil {
		return false, err
	}
	if hasParameters(reply.Parameters, options) {
		return false, nil
	}
	request := map[string]any{"model": model, "from": model, "parameters": options, "stream": false}
	if err := c.postJSON(ctx, "/api/create", request, nil); err != nil {
		return false, err
	}
	return true, nil
}
