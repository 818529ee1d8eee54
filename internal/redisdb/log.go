package redisdb

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

type logger func(message string)

func (l logger) Printf(_ context.Context, format string, v ...any) { l(fmt.Sprintf(format, v...)) }

// LogTo sends what the client has to say of its connections to f; by itself it
// writes to stderr, past every log of the process. It is for the process as a
// whole and is called once, before the first Open.
func LogTo(f func(message string)) { redis.SetLogger(logger(f)) }
