//go:build unix

package proxy

import (
	"net"
	"syscall"
)

// stillOpen says that the other side has neither closed an idle connection nor
// sent anything on it. It looks without waiting, so that a request is not lost
// to a connection of a server that is gone.
func stillOpen(conn net.Conn) bool {
	socket, is := conn.(syscall.Conn)
	if !is {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true
	})
	return err == nil && open
}
