package budget

import (
	"context"
	"embed"
	"fmt"

	"bindery/internal/redisdb"
)

//go:embed lua/*.lua
var lua embed.FS

var (
	grantScript = script("grant")
	bindScript  = script("bind")
	pauseScript = script("pause")
)

func script(name string) *redisdb.Script {
	source, err := lua.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // the file is part of the binary
	}
	return redisdb.NewScript(name, string(source))
}

// numbers reads a script's answer of want whole numbers.
func numbers(reply any, want int) ([]int64, error) {
	list, ok := reply.([]any)
	if !ok || len(list) != want {
		return nil, fmt.Errorf("budget: answer is no list of %d: %T", want, reply)
	}
	out := make([]int64, want)
	for i, v := range list {
		if out[i], ok = v.(int64); !ok {
			return nil, fmt.Errorf("budget: answer %d is no number: %T", i, v)
		}
	}
	return out, nil
}

// within comes back when ctx ends even if f does not: a client may wait for its
// own read time-outs, a lease does not. A call that is left behind does no
// harm, since each has a number that is overtaken.
func within(ctx context.Context, f func() ([]int64, error)) ([]int64, error) {
	type answer struct {
		v   []int64
		err error
	}
	c := make(chan answer, 1)
	go func() {
		v, err := f()
		c <- answer{v, err}
	}()
	select {
	case a := <-c:
		return a.v, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
