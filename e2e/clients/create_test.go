//go:build e2e

package clients

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

// Two make the same model: each sends the blob, and who is second is told that it
// is there before it was read. Nobody is refused for that, and nobody put aside.
func TestTwoCreateAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *stand) {
		for round := range 4 {
			// Every round has a blob of its own, that nobody has sent yet.
			shells := [2]shell{s.shell(t), s.shell(t)}
			var both sync.WaitGroup
			for i, shell := range shells {
				shell.writeModel(t, tinymodel.Config{Seed: uint64(round) + 100, Embedding: 512, Layers: 8})
				both.Go(func() {
					output := shell.run(t, "http://"+s.gateway.Door, fmt.Sprintf("ollama create made%d -f Modelfile", i))
					if !strings.Contains(output, "success") {
						t.Errorf("%d: %s", i, output)
					}
				})
			}
			both.Wait()
		}
		s.isUnharmed(t)
		s.refusedNobody(t)
	})
}

// A blob that is there already is answered for before its upload is read.
func TestABlobThatIsThere(t *testing.T) {
	onEach(t, func(t *testing.T, s *stand) {
		var file bytes.Buffer
		if err := tinymodel.Write(&file, tinymodel.Config{Seed: 99, Embedding: 512, Layers: 8}); err != nil {
			t.Fatal(err)
		}
		upload := request{method: "POST", path: fmt.Sprintf("/api/blobs/sha256:%x", sha256.Sum256(file.Bytes())), body: file.String(), chunked: true}
		for try := range 24 {
			answer, err := upload.send(t.Context(), "http://"+s.gateway.Door)
			if err != nil || answer.status != map[bool]int{true: 201, false: 200}[try == 0] {
				t.Errorf("try %d: %d %s: %v", try, answer.status, answer.body, err)
			}
		}
		s.isUnharmed(t)
		s.refusedNobody(t)
	})
}

// refusedNobody: none of the gateway's answers was one of 5xx.
func (s *stand) refusedNobody(t *testing.T) {
	t.Helper()
	counts := s.metrics(t, "clawgate_gateway_requests_total{")
	if len(counts) == 0 {
		t.Error("the gateway counts no request")
	}
	for _, line := range counts {
		if strings.Contains(line, `code="5`) {
			t.Errorf("refused: %s", line)
		}
	}
}
