//go:build !linux

package queue

import "time"

func bootTime() time.Duration { return monotonic() }
