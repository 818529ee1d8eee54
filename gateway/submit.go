package gateway

import (
	"bindery/config"
	"bindery/gateway/dispatch"
	"bindery/gateway/smppcarrier"
	"bindery/queue"
	"bindery/smpp/pdu"
)

// fields fills in how the carrier wants its submit_sm, and what its statuses
// mean.
func fields(cfg *smppcarrier.Config, c *config.Carrier) {
	s := &c.SubmitSM
	cfg.ServiceType, cfg.ESMClass, cfg.ProtocolID = s.ServiceType, s.ModeBits(), s.ProtocolID
	cfg.Priority = &[queue.Bulk + 1]uint8{
		queue.Urgent: uint8(s.PriorityFlag.Urgent), queue.Normal: uint8(s.PriorityFlag.Normal), queue.Bulk: uint8(s.PriorityFlag.Bulk),
	}
	cfg.AbsoluteValidity = s.ValidityPeriod == config.ValidityAbsolute
	cfg.NoTLVs = !s.Reference
	mark := func(n config.Numbering) *smppcarrier.Numbering { return &smppcarrier.Numbering{TON: n.TON, NPI: n.NPI} }
	cfg.Address = smppcarrier.Addressing{
		Alphanumeric: mark(s.TONNPI.Alphanumeric), Short: mark(s.TONNPI.Short), National: mark(s.TONNPI.National),
		International: mark(s.TONNPI.International), Destination: mark(s.TONNPI.Destination), ShortDigits: s.TONNPI.ShortDigits,
	}
	if s.TONNPI.ShortDigits == 0 {
		cfg.Address.ShortDigits = -1 // none
	}
	for status, class := range c.Statuses {
		if cfg.Statuses == nil {
			cfg.Statuses = map[pdu.CommandStatus]dispatch.Class{}
		}
		cfg.Statuses[pdu.CommandStatus(status)] = statusClasses[class]
	}
}

var statusClasses = map[config.StatusClass]dispatch.Class{
	"ok": dispatch.ClassOK, "throttled": dispatch.ClassThrottled, "temporary": dispatch.ClassTemporary,
	"permanent": dispatch.ClassPermanent, "session": dispatch.ClassSession,
}
