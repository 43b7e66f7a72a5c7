package hop

import (
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// endless is a client's body: as long as is read of it.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func fill(t *testing.T, sent io.Reader, announced, budget int64) *Body {
	t.Helper()
	body := &Body{Limit: func(time.Duration) {}, Budget: &Budget{Limit: budget}}
	request := &http.Request{Body: io.NopCloser(sent), ContentLength: announced}
	_ = body.Fill(request, budget) // some end early, as is seen in the body
	return body
}

func TestABodyOfKnownLengthIsHeldOnceAndNotTwice(t *testing.T) {
	const length = 16<<20 + 1
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	body := fill(t, endless{}, length, length)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; !body.Whole || len(body.Data) != length || cap(body.Data) != length || used > length*3/2 {
		t.Errorf("%d of %d bytes, %d allocated", len(body.Data), length, used)
	}
	if used := body.Budget.Used.Load(); used != length {
		t.Errorf("%d bytes of the budget used", used)
	}
	if body.Release(); body.Budget.Used.Load() != 0 {
		t.Errorf("%d bytes still used", body.Budget.Used.Load())
	}
}

func TestAnAnnouncedBodyTakesNoMemoryBeforeItComes(t *testing.T) {
	const length = 16 << 20
	for _, sent := range []int64{0, 1, prefixBytes, prefixBytes + 1, 1 << 20, length / 8, length / 4, length - 1} {
		body := fill(t, io.LimitReader(endless{}, sent), length, length)
		if used := body.Budget.Used.Load(); body.Whole || used > max(8*sent, prefixBytes) {
			t.Errorf("%d bytes were sent, and %d taken for them", sent, used)
		}
		body.Release()
	}
}
