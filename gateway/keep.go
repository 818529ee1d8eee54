package gateway

import (
	"context"

	"bindery/dlr"
	"bindery/gateway/dispatch"
)

// keeper stores in the carrier's quarantine what is no receipt of ours. Which
// account a message from a handset is for cannot be said in the configuration
// yet, so those wait there too, whole, for a person or a later version.
type keeper struct{ home *dlr.Home }

func (k keeper) KeepInbounds(ctx context.Context, ms []dispatch.Inbound) error {
	raw := make([][]byte, len(ms))
	for i := range ms {
		raw[i] = ms[i].Raw
	}
	return k.home.Quarantine(ctx, raw)
}

func (k keeper) KeepUnparsed(ctx context.Context, us []dispatch.Unparsed) error {
	raw := make([][]byte, len(us))
	for i := range us {
		raw[i] = us[i].Raw
	}
	return k.home.Quarantine(ctx, raw)
}
