package healthlog

import "sync"

// recent keeps the last few records in memory, oldest first. It is safe for
// concurrent use.
type recent struct {
	mu      sync.Mutex
	records []Record
}

func (r *recent) add(record Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.records) == recentLength {
		copy(r.records, r.records[1:])
		r.records = r.records[:recentLength-1]
	}
	r.records = append(r.records, record)
}

// last returns copies of the newest records, at most limit of them, oldest first.
func (r *recent) last(limit int) []Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := max(0, len(r.records)-max(0, limit))
	return append([]Record{}, r.records[first:]...)
}
