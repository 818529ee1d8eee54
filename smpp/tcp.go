package smpp

import (
	"net"
	"time"
)

// tune sets up a TCP connection, also one under TLS; others are left alone.
// What it sets only makes a dead link known sooner, so failures are no reason
// not to use the connection: enquire_link and the write deadline find out too.
func tune(conn net.Conn, cfg Config) {
	tcp, ok := underTLS(conn).(*net.TCPConn)
	if !ok {
		return
	}
	tcp.SetNoDelay(true) // the writer coalesces
	tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3})
	setUserTimeout(tcp, cfg.WriteTimeout+cfg.ResponseTimeout)
}

// underTLS is the connection that tls.Conn stands on.
func underTLS(conn net.Conn) net.Conn {
	if outer, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return outer.NetConn()
	}
	return conn
}

// closeAtOnce closes without a last word of TLS, which could wait for a peer that
// does not read. An end in order has said it before, by CloseWrite.
func closeAtOnce(conn net.Conn) { underTLS(conn).Close() }
