package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/smallfile"
)

// Intent is a restart that was begun: the container may be down because of us.
type Intent struct {
	Container evidence.Identity `json:"container"`
	Reason    string            `json:"reason"`
	At        time.Time         `json:"at"`
	// StopTakes is for how long the engine may be carrying out the stop, whoever
	// waits for it; 0 where nothing was to be stopped.
	StopTakes time.Duration `json:"stop_takes,omitempty"`
}

// Journal keeps what must survive a crash of Clawgate in one small file: the
// restart under way, and the times of past ones (a watchdog that forgets its
// budget when it crashes can restart for ever). Safe for concurrent use. Begin,
// Finish and Save wait for the disk; the others do not, whatever the disk does.
type Journal struct {
	path string
	disk sync.Mutex // held while the file is written

	mu    sync.Mutex
	state journalState
}

type journalState struct {
	Intent   *Intent     `json:"intent,omitempty"`
	Restarts []time.Time `json:"restarts,omitempty"`
}

// errNoJournal says that there is no folder to keep an intent in.
var errNoJournal = errors.New("no state folder is configured (CLAWGATE_STATE_DIR)")

// maxJournal bounds the file that is read, in bytes. A thousand restarts, which
// is the most that are kept, take less than 40,000.
const maxJournal = 1 << 20

// OpenJournal reads the journal in folder; an empty folder gives one that keeps
// nothing on disk. A file that cannot be understood is set aside, with an error
// that says so beside a usable, empty journal.
func OpenJournal(folder string) (*Journal, error) {
	if folder == "" {
		return &Journal{}, nil
	}
	j := &Journal{path: filepath.Join(folder, "recovery.json")}
	text, err := smallfile.Read(j.path, maxJournal)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return j, fmt.Errorf("cannot read the recovery journal: %w", err)
	}
	if err := json.Unmarshal(text, &j.state); err != nil {
		j.state = journalState{}
		aside := j.path + ".unreadable"
		if renamed := os.Rename(j.path, aside); renamed != nil {
			return j, fmt.Errorf("cannot understand the recovery journal %s: %w", j.path, errors.Join(err, renamed))
		}
		return j, fmt.Errorf("cannot understand the recovery journal, which is now %s: %w", aside, err)
	}
	return j, nil
}

// Begin writes an intent down before the engine is called. When that fails, what
// was open before is open still.
func (j *Journal) Begin(intent Intent) error {
	if j.path == "" {
		return errNoJournal
	}
	j.disk.Lock()
	defer j.disk.Unlock()
	state := j.snapshot()
	state.Intent = &intent
	if err := j.write(state); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.Intent = &intent
	return nil
}

// Finish closes the intent: the container was started, or needs no start.
func (j *Journal) Finish() error {
	if _, pending := j.Pending(); !pending {
		return nil
	}
	j.Forget()
	return j.Save()
}

// Forget closes the intent, and leaves it to Save to write that down.
func (j *Journal) Forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.Intent = nil
}

// Save writes down what is known now.
func (j *Journal) Save() error {
	if j.path == "" {
		return nil
	}
	j.disk.Lock()
	defer j.disk.Unlock()
	return j.write(j.snapshot())
}

func (j *Journal) snapshot() journalState {
	j.mu.Lock()
	defer j.mu.Unlock()
	return journalState{Intent: j.state.Intent, Restarts: slices.Clone(j.state.Restarts)}
}

// Pending returns the intent that is open, if there is one.
func (j *Journal) Pending() (Intent, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state.Intent == nil {
		return Intent{}, false
	}
	return *j.state.Intent, true
}

// Spend notes a restart, and leaves it to Save to write that down.
func (j *Journal) Spend(at time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.Restarts = append(j.state.Restarts, at)
	j.state.Restarts = j.state.Restarts[max(0, len(j.state.Restarts)-1000):]
}

// Refund takes a restart back that was noted at that time and not begun.
func (j *Journal) Refund(at time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if i := slices.IndexFunc(j.state.Restarts, at.Equal); i >= 0 {
		j.state.Restarts = slices.Delete(j.state.Restarts, i, i+1)
	}
}

// Spent counts the restarts within window before now. A time in the future was
// written by a clock that has been set back since: it counts as of now, because
// forgetting it would hand out a new budget, and keeping it might hold the budget
// back for years.
func (j *Journal) Spent(now time.Time, window time.Duration) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	spent := 0
	for i, at := range j.state.Restarts {
		if at.After(now) {
			at = now
			j.state.Restarts[i] = now
		}
		if now.Sub(at) < window {
			spent++
		}
	}
	return spent
}

// write replaces the file in one step, so that a crash, of the host too, leaves the
// old or the new.
func (j *Journal) write(state journalState) error {
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("cannot encode the recovery journal: %w", err)
	}
	fresh := j.path + ".new"
	if err := writeSynced(fresh, text); err != nil {
		return fmt.Errorf("cannot write the recovery journal: %w", err)
	}
	if err := os.Rename(fresh, j.path); err != nil {
		return fmt.Errorf("cannot write the recovery journal: %w", err)
	}
	syncFolder(filepath.Dir(j.path))
	return nil
}

// writeSynced makes the file anew: to open what stands there, a named pipe for
// example, could wait for ever.
func writeSynced(path string, text []byte) (err error) {
	if info, err := os.Lstat(path); err == nil && !info.IsDir() {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Sync()
}

// syncFolder makes a rename in it outlive a power cut, where the file system can do
// that. Whoever reads the file before one finds the new text in any case.
func syncFolder(path string) {
	if folder, err := os.Open(path); err == nil {
		_ = folder.Sync()
		_ = folder.Close()
	}
}
