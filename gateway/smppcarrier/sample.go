package smppcarrier

import (
	"fmt"
	"time"

	"bindery/gateway/dispatch"
	"bindery/queue"
	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

// Sample is the submit_sm that a connector with this configuration writes for a
// message of one part, to a peer that named version (0: none).
func (c Config) Sample(m queue.Message, version uint8) (*pdu.SubmitSM, coding.Plan, error) {
	own := &Carrier{cfg: c.withDefaults()}
	own.mayTLV.Store(!c.NoTLVs && mayTLV(version))
	plan, err := own.planFor(&m)
	if err != nil {
		return nil, plan, err
	}
	if plan.Parts > 1 {
		return nil, plan, fmt.Errorf("the text takes %d parts", plan.Parts)
	}
	err = own.encode(&dispatch.Submission{Message: m, Parts: 1}, time.Now())
	return &own.out.pdu, plan, err
}
