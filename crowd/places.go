package crowd

import (
	"container/list"
	"time"
)

// admit lets a connection in, having another closed for it if need be. It waits
// until the server has done with that, so that there are never more at once. It
// is false when none may be closed.
func (c *crowd) admit(newcomer *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.open >= c.config.Connections && !c.over {
		if c.open-c.leaving >= c.config.Connections && !c.closeOne() {
			return false
		}
		c.less.Wait()
	}
	c.open++
	newcomer.counted = true
	c.add(newcomer)
	return true
}

// closeOne closes the longest unused connection of the address that has most.
func (c *crowd) closeOne() bool {
	c.warn()
	var most *list.List
	for _, connections := range c.idle {
		if most == nil || connections.Len() > most.Len() {
			most = connections
		}
	}
	if most == nil {
		return false
	}
	victim := most.Front().Value.(*conn)
	c.remove(victim)
	victim.told = true
	c.leaving++
	_ = victim.Conn.Close() // the server learns of it by its next read or write
	return true
}

// fullEvery is how often the log is told that there are no more connections.
const fullEvery = time.Minute

func (c *crowd) warn() {
	if c.config.Log == nil || !c.told.IsZero() && time.Since(c.told) < fullEvery {
		return
	}
	c.told = time.Now()
	c.config.Log.Warn("as many connections as there may be: the longest unused ones of whoever has most are closed for new ones",
		"connections", c.open, "addresses", len(c.idle))
}

// add puts a connection among those that may be closed, as the last of its
// address's. Those of trusted proxies are not.
func (c *crowd) add(connection *conn) {
	if connection.from == "" || connection.told || !connection.counted {
		return
	}
	connections := c.idle[connection.from]
	if connections == nil {
		connections = list.New()
		c.idle[connection.from] = connections
	}
	connection.place = connections.PushBack(connection)
}

func (c *crowd) remove(connection *conn) {
	if connection.place == nil {
		return
	}
	connections := c.idle[connection.from]
	connections.Remove(connection.place)
	connection.place = nil
	if connections.Len() == 0 {
		delete(c.idle, connection.from)
	}
}

// touch notes that something has happened in a connection.
func (c *crowd) touch(connection *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if connection.place != nil {
		c.idle[connection.from].MoveToBack(connection.place)
	}
}

// hold keeps a connection from being closed for another: it has a request in hand.
func (c *crowd) hold(connection *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(connection)
}

func (c *crowd) release(connection *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(connection)
}

// leave is called when the server has done with a connection, perhaps twice.
func (c *crowd) leave(connection *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !connection.counted {
		return
	}
	c.remove(connection)
	connection.counted = false
	c.open--
	if connection.told {
		c.leaving--
	}
	c.less.Signal()
}

func (c *crowd) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.less.Broadcast()
}
