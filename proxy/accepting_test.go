package proxy

import (
	"net"
	"testing"
)

// accepting is a server that gives each connection to answer, which closes it, in a
// goroutine of its own.
func accepting(t *testing.T, answer func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(connection)
		}
	}()
	return "http://" + listener.Addr().String()
}
