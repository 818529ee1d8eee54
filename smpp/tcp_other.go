//go:build !linux

package smpp

import (
	"net"
	"time"
)

// setUserTimeout is Linux's; elsewhere the write deadline has to do.
func setUserTimeout(*net.TCPConn, time.Duration) {}
