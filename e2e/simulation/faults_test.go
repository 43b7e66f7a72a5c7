//go:build e2e

package simulation

import (
	"fmt"
	"net"
	"strings"
	"time"
)

// soon is how long a client waits for an answer that is not to come.
const soon = 500 * time.Millisecond

// faults are what a server does when something is wrong.
func faults() []behaviour {
	return []behaviour{
		{"a runner killed under a stream", `an error was encountered while running the model: unexpected EOF`, killedUnder(chat(hello, endless))},
		{"a runner killed under a stream in OpenAI's form", `data: `, killedUnder(openAI(hello, hot, `"max_tokens":100000`, `"stream":true`))},
		{"a runner killed while it reads", `model runner has unexpectedly stopped`, killedWhileReading(chat(longRead(), brief))},
		{"a runner killed while it reads for a whole answer", `500`, killedWhileReading(chat(longRead(), brief, whole))},
		{"a runner killed while it reads, in OpenAI's form", `500`, killedWhileReading(openAI(longRead(), `"max_tokens":3`))},
		{"a runner killed while a request waits for its slot", `{error:"`, killedBeforeASlot},
		{"a runner killed idle", `another runner`, killedIdle},
		{"a runner frozen", `/api/chat no byte in time`, frozenRunner},
		{"a queue that is full", `server busy, please try again.  maximum pending requests exceeded`, fullQueue},
		{"a runner frozen idle is replaced after a while", `another runner`, frozenIdle},
		{"an unload of a frozen runner", `models:[]`, unloadFrozen},
		{"an unload under a stream", `then [{` + model + `}]`, unloadInUse},
		{"a client that leaves", `done_reason:"length"`, clientLeaves},
		{"a server frozen", `it accepts connections`, frozenServer},
		{"a server that crashes", `and is cut`, crash},
	}
}

// killedUnder kills the runner under a stream that has begun.
func killedUnder(c call) func(*visit) string {
	return func(v *visit) string {
		v.load()
		c.during = func(func()) { v.killRunner(v.T) }
		return v.ask(c).portrait() + "\nthen " + v.ask(chat(hello, brief)).portrait()
	}
}

func killedWhileReading(c call) func(*visit) string {
	return func(v *visit) string {
		v.load()
		used := v.used(v.T)
		reading := v.begin(c)
		v.works(used)
		v.killRunner(v.T)
		return (<-reading).portrait()
	}
}

func killedBeforeASlot(v *visit) string {
	v.load()
	var waiting <-chan reply
	c := chat(hello, endless)
	c.during = func(func()) {
		waiting = v.begin(chat(hello, brief))
		select { // it has to be where it waits, and shows nothing of that
		case <-waiting:
			v.Error("a request was answered although there was no slot")
		case <-time.After(soon):
		}
		v.killRunner(v.T)
	}
	v.ask(c)
	return (<-waiting).portrait()
}

func killedIdle(v *visit) string {
	v.load()
	before := v.onlyRunner()
	v.killRunner(v.T)
	told := "listed: " + v.listed()
	return told + "\n" + v.ask(chat(hello, brief)).portrait() + "\n" + v.whose(before)
}

// whose tells whether the runner is still the one that it was.
func (v *visit) whose(before int) string {
	v.Helper()
	if v.onlyRunner() == before {
		return "the same runner"
	}
	return "another runner"
}

func frozenRunner(v *visit) string {
	v.load()
	v.freezeRunner(v.T)
	defer v.thawRunner(v.T)
	silent := chat(hello, brief)
	silent.within = soon
	return sees(call{path: "/api/tags"}, call{path: "/api/ps"}, call{path: "/api/version"}, silent)(v)
}

// fullQueue asks on while the scheduler waits for a frozen runner, until it
// takes no more.
func fullQueue(v *visit) string {
	v.load()
	v.freezeRunner(v.T)
	defer v.thawRunner(v.T)
	impatient := chat(hello, brief)
	impatient.within = soon
	for range maxQueue + 2 {
		if r := v.ask(impatient); r.status != 0 {
			return r.portrait() + "\n" + v.ask(openAI(hello)).portrait()
		}
	}
	return "the queue takes any number"
}

func frozenIdle(v *visit) string {
	v.load()
	before := v.onlyRunner()
	v.freezeRunner(v.T)
	asked := time.Now()
	r := v.ask(chat(hello, brief))
	return fmt.Sprintf("%s\nit took more than 9 s: %t\n%s", r.portrait(), time.Since(asked) > 9*time.Second, v.whose(before))
}

func unloadFrozen(v *visit) string {
	v.load()
	before := v.onlyRunner()
	v.freezeRunner(v.T)
	told := v.ask(generate(`"keep_alive":0`)).portrait()
	v.await("the frozen runner to be gone", func() bool { return len(v.runners(v.T)) == 0 && v.listed() == "[]" })
	told += "\n" + v.ask(call{path: "/api/ps"}).portrait()
	return told + "\n" + v.ask(chat(hello, brief)).portrait() + "\n" + v.whose(before)
}

// unloadInUse: it is put off until the request that holds the runner ends.
func unloadInUse(v *visit) string {
	v.load()
	var told []string
	c := chat(hello, endless)
	c.during = func(leave func()) {
		told = append(told, v.ask(generate(`"keep_alive":0`)).portrait(), "then "+v.listed())
		leave()
	}
	told = append(told, v.ask(c).portrait())
	v.await("the model to be unloaded", func() bool { return v.listed() == "[]" })
	return strings.Join(append(told, fmt.Sprint(len(v.runners(v.T)), " runners")), "\n")
}

// clientLeaves: the slot is free for the next one.
func clientLeaves(v *visit) string {
	v.load()
	before := v.onlyRunner()
	c := chat(hello, endless)
	c.during = func(leave func()) { leave() }
	return v.ask(c).portrait() + "\n" + v.ask(chat(hello, brief)).portrait() + "\n" + v.whose(before)
}

func frozenServer(v *visit) string {
	v.load()
	v.freezeServer(v.T)
	told := "it accepts no connection"
	if connection, err := (&net.Dialer{Timeout: soon}).DialContext(v.Context(), "tcp", strings.TrimPrefix(v.url(), "http://")); err == nil {
		_ = connection.Close()
		told = "it accepts connections"
	}
	for _, c := range []call{{path: "/api/version"}, {path: "/api/tags"}, chat(hello, brief)} {
		c.within = soon
		told += "\n" + c.path + " " + v.ask(c).portrait()
	}
	v.thawServer(v.T)
	return told + "\n" + v.ask(chat(hello, brief)).portrait()
}

// crash: streams are cut without a word, and the server comes back empty.
func crash(v *visit) string {
	v.load()
	c := chat(hello, endless)
	c.during = func(func()) { v.crash(v.T) }
	told := v.ask(c).portrait()
	v.await("the server to be back", func() bool { return v.ask(call{path: "/api/version", within: soon}).status == 200 })
	return told + "\n" + v.listed() + "\n" + v.ask(chat(hello, brief)).portrait()
}
