package recovery

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var noon = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

func openIn(t *testing.T, folder string) *Journal {
	t.Helper()
	journal, err := OpenJournal(folder)
	if err != nil {
		t.Fatal(err)
	}
	return journal
}

func intend(reason string) Intent { return Intent{Container: run("c1"), Reason: reason, At: noon} }

func TestAnIntentSurvivesItsWriter(t *testing.T) {
	folder := t.TempDir()
	if err := openIn(t, folder).Begin(intend("wedged")); err != nil {
		t.Fatal(err)
	}
	successor := openIn(t, folder)
	got, pending := successor.Pending()
	if !pending || got.Reason != "wedged" || got.Container.ID != "c1" || !got.Container.StartedAt.Equal(run("c1").StartedAt) || !got.At.Equal(noon) {
		t.Errorf("%+v %v", got, pending)
	}
	if err := successor.Finish(); err != nil {
		t.Fatal(err)
	}
	if _, pending := openIn(t, folder).Pending(); pending {
		t.Error("a finished intent is still on disk")
	}
	if err := successor.Finish(); err != nil {
		t.Errorf("finishing what is finished: %v", err)
	}
}

func TestNobodyWaitsForADiskButWhoWrites(t *testing.T) {
	journal := openIn(t, t.TempDir())
	if err := journal.Begin(intend("wedged")); err != nil {
		t.Fatal(err)
	}
	journal.disk.Lock() // a write that hangs
	journal.Spend(noon)
	journal.Forget()
	if _, pending := journal.Pending(); pending || journal.Spent(noon, time.Hour) != 1 {
		t.Error("it was not noted")
	}
	journal.disk.Unlock()
	if err := journal.Save(); err != nil {
		t.Fatal(err)
	}
	successor := openIn(t, filepath.Dir(journal.path))
	if _, pending := successor.Pending(); pending || successor.Spent(noon, time.Hour) != 1 {
		t.Error("it was not written down")
	}
}

func TestWhatCannotBeReadIsSetAside(t *testing.T) {
	for _, text := range []string{"", "{", "garbage\x00", `{"intent":7}`, `{"restarts":["yesterday"]}`, `[]`} {
		folder := t.TempDir()
		path := filepath.Join(folder, "recovery.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		journal, err := OpenJournal(folder)
		if err == nil || !strings.Contains(err.Error(), path+".unreadable") {
			t.Errorf("%q: %v does not say where it is now", text, err)
		}
		if kept, _ := os.ReadFile(path + ".unreadable"); string(kept) != text {
			t.Errorf("%q was kept as %q", text, kept)
		}
		if _, pending := journal.Pending(); pending || journal.Spent(noon, time.Hour) != 0 {
			t.Errorf("%q: half of it was believed", text)
		}
		if err := journal.Begin(intend("wedged")); err != nil {
			t.Errorf("%q: the journal is of no use: %v", text, err)
		}
		if _, pending := openIn(t, folder).Pending(); !pending {
			t.Errorf("%q: the new intent is lost", text)
		}
	}
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	journal := openIn(t, filepath.Join(t.TempDir(), "missing"))
	if err := journal.Begin(intend("wedged")); err == nil || !strings.HasPrefix(err.Error(), "cannot write the recovery journal: ") {
		t.Error(err)
	}
	if _, pending := journal.Pending(); pending {
		t.Error("an intent that is not on disk counts")
	}
	journal.Spend(noon)
	if err := journal.Save(); err == nil {
		t.Error("a restart that is not on disk was said to be")
	}
	if journal.Spent(noon, time.Hour) != 1 {
		t.Error("it counts in memory at least")
	}
	unreadable := t.TempDir()
	if err := os.Mkdir(filepath.Join(unreadable, "recovery.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if journal, err := OpenJournal(unreadable); err == nil || journal == nil {
		t.Errorf("a folder in place of the file: %v, %v", journal, err)
	}
}

func TestAnOpenIntentOutlivesTheNextOneThatCannotBeWritten(t *testing.T) {
	folder := t.TempDir()
	journal := openIn(t, folder)
	if err := journal.Begin(intend("first")); err != nil {
		t.Fatal(err)
	}
	block := filepath.Join(folder, "recovery.json.new")
	if err := os.Mkdir(block, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := journal.Begin(intend("second")); err == nil {
		t.Error("written over a folder")
	}
	if got, pending := journal.Pending(); !pending || got.Reason != "first" {
		t.Errorf("in memory: %+v %v", got, pending)
	}
	if got, pending := openIn(t, folder).Pending(); !pending || got.Reason != "first" {
		t.Errorf("on disk: %+v %v", got, pending)
	}
}

func TestWithoutAFolderNothingIsKept(t *testing.T) {
	journal := openIn(t, "")
	if err := journal.Begin(intend("wedged")); !errors.Is(err, errNoJournal) {
		t.Error(err)
	}
	journal.Spend(noon)
	if err := errors.Join(journal.Save(), journal.Finish()); err != nil {
		t.Error(err)
	}
	if journal.Spent(noon, time.Hour) != 1 {
		t.Error("the budget holds for as long as Clawgate runs")
	}
}

func TestTheBudgetSurvivesItsWriter(t *testing.T) {
	folder := t.TempDir()
	journal := openIn(t, folder)
	for _, at := range []time.Duration{0, 20 * time.Minute, 50 * time.Minute} {
		journal.Spend(noon.Add(at))
		if err := journal.Save(); err != nil {
			t.Fatal(err)
		}
	}
	journal = openIn(t, folder)
	for after, want := range map[time.Duration]int{50 * time.Minute: 3, time.Hour - 1: 3, time.Hour: 2, 2 * time.Hour: 0} {
		if got := journal.Spent(noon.Add(after), time.Hour); got != want {
			t.Errorf("%s later %d are spent, want %d", after, got, want)
		}
	}
}

func TestARestartThatWasNotBegunIsGivenBack(t *testing.T) {
	journal := openIn(t, "")
	journal.Spend(noon)
	journal.Spend(noon.Add(time.Minute))
	journal.Refund(noon)
	journal.Refund(noon) // once
	if spent := journal.Spent(noon.Add(time.Minute), time.Hour); spent != 1 {
		t.Errorf("%d are spent", spent)
	}
}

func TestAClockSetBackHandsOutNoBudgetAndHoldsNoneBackForEver(t *testing.T) {
	folder := t.TempDir()
	early := openIn(t, folder)
	early.Spend(noon.AddDate(30, 0, 0))
	if err := early.Save(); err != nil {
		t.Fatal(err)
	}
	journal := openIn(t, folder)
	if journal.Spent(noon, time.Hour) != 1 {
		t.Error("a new budget")
	}
	if journal.Spent(noon.Add(time.Hour-1), time.Hour) != 1 {
		t.Error("it does not count as of the moment when the clock was found wrong")
	}
	if journal.Spent(noon.Add(time.Hour), time.Hour) != 0 {
		t.Error("held back beyond the window")
	}
}

func TestTheJournalStaysSmall(t *testing.T) {
	journal := openIn(t, "")
	for i := range 3000 {
		journal.Spend(noon.Add(time.Duration(i) * time.Second))
	}
	if len(journal.state.Restarts) != 1000 || !journal.state.Restarts[999].Equal(noon.Add(2999*time.Second)) {
		t.Errorf("%d entries, the last %s", len(journal.state.Restarts), journal.state.Restarts[len(journal.state.Restarts)-1])
	}
}

func TestWhatIsNoFileIsNeitherReadNorWaitedFor(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"endless":    func(path string) error { return os.Symlink("/dev/zero", path) },
		"a pipe":     func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"very large": func(path string) error { return os.WriteFile(path, make([]byte, maxJournal+1), 0o600) },
	} {
		folder := t.TempDir()
		path := filepath.Join(folder, "recovery.json")
		if err := errors.Join(put(path), put(path+".new")); err != nil {
			t.Fatal(err)
		}
		journal, err := OpenJournal(folder)
		if err == nil || !strings.Contains(err.Error(), "cannot read the recovery journal") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error is %v", name, err)
		}
		if err := journal.Begin(intend("wedged")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, pending := openIn(t, folder).Pending(); !pending {
			t.Errorf("%s: nothing was written", name)
		}
	}
}
