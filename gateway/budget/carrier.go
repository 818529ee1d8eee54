package budget

import (
	"context"
	"sync"
)

// Carrier is all that instances share of one carrier, as dispatch wants it:
// the tokens of Rate, and Paused of Binds.
type Carrier struct {
	*Rate
	*Binds
}

// NewCarrier joins the two: what a renewal of the bind slots tells of the
// present rate reaches instances that ask for no tokens.
func NewCarrier(r *Rate, b *Binds) *Carrier {
	b.rate = r
	return &Carrier{r, b}
}

// Run runs both until ctx ends.
func (c *Carrier) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { _ = c.Rate.Run(ctx) }) // ends with ctx only
	_ = c.Binds.Run(ctx)
	wg.Wait()
	return ctx.Err()
}
