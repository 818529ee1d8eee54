package dispatch

import "sync"

// troubles are the calls that fail now. A fault is logged when it begins, when
// it changes and when it is over, not at every try.
type troubles struct {
	mu  sync.Mutex // guards now
	now map[string]string
}

func (d *Dispatcher) complain(call string, err error) {
	d.troubles.mu.Lock()
	defer d.troubles.mu.Unlock()
	if d.troubles.now[call] == err.Error() {
		return
	}
	if d.troubles.now == nil {
		d.troubles.now = make(map[string]string)
	}
	d.troubles.now[call] = err.Error()
	d.cfg.Log.Error().Err(err).Str("carrier", d.cfg.Carrier).Str("call", call).Msg("redis call failed; it is made again")
}

func (d *Dispatcher) calm(call string) {
	d.troubles.mu.Lock()
	defer d.troubles.mu.Unlock()
	if len(d.troubles.now) == 0 || d.troubles.now[call] == "" {
		return
	}
	delete(d.troubles.now, call)
	d.cfg.Log.Info().Str("carrier", d.cfg.Carrier).Str("call", call).Msg("redis call is answered again")
}
