package crowd

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOneAddressKeepsNoOtherOut(t *testing.T) {
	for name, sent := range map[string]string{"nothing": "", "half a header": half, "what was answered": get, "a body that does not come": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 8, func(w *world) {
				var greedy []client
				for range 50 {
					greedy = append(greedy, w.from("192.0.2.1", sent))
				}
				for i := range 20 {
					if status := w.from(fmt.Sprint("192.0.2.", 2+i%3), get).status(); status != 200 {
						t.Errorf("the other address's request %d: %d", i, status)
					}
				}
				if status := w.from("192.0.2.1", get).status(); status != 200 {
					t.Errorf("one more of the same address: %d", status)
				}
				if greedy[0].open() {
					t.Error("the oldest was kept")
				}
			})
		})
	}
}

func TestARequestInHandIsNotCutForAnother(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		var held []client
		for range 3 {
			held = append(held, w.from("192.0.2.1", hold))
		}
		for range 20 {
			w.from("192.0.2.1", half)
			if status := w.from("192.0.2.2", get).status(); status != 200 {
				t.Errorf("the other address: %d", status)
			}
		}
		for i, c := range held {
			if !c.open() {
				t.Errorf("request %d was cut", i)
			}
		}
	})
}

func TestWhereNoneMayGoTheNewcomerIsRefused(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		for range 2 {
			w.from("192.0.2.1", hold)
			w.from("10.1.2.3", "")
		}
		start := time.Now()
		if status := w.from("192.0.2.2", "").status(); status != 503 || time.Since(start) > time.Second {
			t.Errorf("%d after %v", status, time.Since(start))
		}
	})
}

func TestTheConnectionsOfATrustedProxyAreHeldByTheTotalAlone(t *testing.T) {
	inWorld(t, 8, func(w *world) {
		var proxy []client
		for range 6 {
			c := w.from("10.1.2.3", get)
			c.status()
			proxy = append(proxy, c)
		}
		for range 20 {
			w.from("192.0.2.1", half)
			w.from("192.0.2.2", half)
		}
		for i, c := range proxy {
			if c.say(get); c.status() != 200 {
				t.Errorf("the proxy's connection %d was closed", i)
			}
		}
		if status := w.from("10.1.2.3", get).status(); status != 200 {
			t.Errorf("one more of the proxy: %d", status)
		}
	})
}

func TestAHostIsOneAddressHoweverManyItHasOfIPv6(t *testing.T) {
	inWorld(t, 8, func(w *world) {
		other := w.from("2001:db8:0:1::1", get)
		other.status()
		for i := range 50 {
			w.from(fmt.Sprintf("2001:db8:0:2::%x", i+1), half)
		}
		if other.say(get); other.status() != 200 {
			t.Error("the other network's connection was closed")
		}
	})
}

func TestClosedConnectionsMakeRoomAgain(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		for range 30 {
			c := w.from("10.1.2.3", get)
			if status := c.status(); status != 200 {
				t.Fatalf("%d", status)
			}
			c.Close()
			synctest.Wait()
		}
	})
}

func TestAHeaderHasAtMostSixteenKiBAndAHundredFields(t *testing.T) {
	many := func(n int) string {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, "a%d:b\r\n", i)
		}
		return text.String()
	}
	long := "GET / HTTP/1.1\r\nHost: x\r\nX: "
	for name, c := range map[string]struct {
		header string
		want   int
	}{
		"a hundred":            {half + many(maxFields-1) + "\r\n", 200},
		"one more":             {half + many(maxFields) + "\r\n", 431},
		"one more, unfinished": {half + many(maxFields), 431},
		"as long as it may be": {long + strings.Repeat("x", headerBytes-len(long)-5) + "\r\n\r\n", 200},
		"longer":               {long + strings.Repeat("x", headerBytes) + "\r\n\r\n", 431},
		"longer, unfinished":   {long + strings.Repeat("x", headerBytes), 431},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 4, func(w *world) {
				for _, before := range []string{"", get} { // the first of its connection, and not
					client := w.from("192.0.2.1", before)
					if before != "" && client.status() != 200 {
						t.Error("the request before was not answered")
					}
					go client.say(c.header)
					if status := client.status(); status != c.want {
						t.Errorf("%d after %q, want %d", status, before, c.want)
					}
				}
			})
		})
	}
}

func TestRequestsThatAreSentTogetherAreAnswered(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		client := w.from("192.0.2.1", "")
		go client.say(strings.Repeat(get, 10) + half)
		for i := range 10 {
			if status := client.status(); status != 200 {
				t.Errorf("request %d: %d", i, status)
			}
		}
		go client.say("\r\n")
		if status := client.status(); status != 200 {
			t.Errorf("the last: %d", status)
		}
	})
}

// What is sent along with a request is read by the server before anybody has
// looked at it, as far as it is let.
func TestFieldsThatAreSentAheadCount(t *testing.T) {
	var fields strings.Builder
	for i := range 500 {
		fmt.Fprintf(&fields, "a%d:\r\n", i)
	}
	for name, ahead := range map[string]string{
		"after a header": get,
		"after a body":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n" + strings.Repeat("x", 600),
		"after chunks":   "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxxx\r\n0\r\n\r\n",
	} {
		for _, ending := range []string{"", "\r\n"} {
			t.Run(fmt.Sprintf("%s, %q", name, ending), func(t *testing.T) {
				inWorld(t, 4, func(w *world) {
					client := w.from("192.0.2.1", "")
					go client.say(ahead + half + fields.String() + ending)
					if status := client.status(); status != 200 {
						t.Errorf("the first: %d", status)
					}
					if status := client.status(); status != 431 {
						t.Errorf("the second: %d", status)
					}
				})
			})
		}
	}
}

func TestWhateverTheServerIsLetReadTheBodyIsWhole(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		for _, size := range []int{0, 1, aheadBytes - 1, aheadBytes, aheadBytes + 1, serverBuffer, 5 * serverBuffer} {
			text := strings.Repeat("0123456789", size/10+1)[:size]
			sized := fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, text)
			chunked := fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", size, text)
			if size == 0 {
				chunked = sized
			}
			client := w.from("192.0.2.1", "")
			go client.say(sized + chunked + get)
			for i := range 2 {
				if got := client.body(); got != text {
					t.Errorf("%d bytes, the %d. time: %d came back", size, i+1, len(got))
				}
			}
			if status := client.status(); status != 200 {
				t.Errorf("after %d bytes: %d", size, status)
			}
		}
	})
}
