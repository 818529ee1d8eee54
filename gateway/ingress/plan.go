package ingress

import (
	"errors"

	"bindery/smpp/coding"
)

// plan counts the parts of a text for every carrier of its route: the message
// reserves those of the largest, the sender is told those of the first. A
// carrier that cannot take the text is passed over by it; when none can, that
// is the sender's to mend.
func (c *checked) plan(route *Route) (first coding.Plan) {
	var refusal error
	for i := range route.Carriers {
		p, err := route.Carriers[i].Profile.Plan(c.message.Text, c.encoding)
		if err != nil {
			if refusal == nil {
				refusal = err
			}
			continue
		}
		if c.message.Parts == 0 {
			first = p
		}
		c.message.Parts = max(c.message.Parts, p.Parts)
	}
	if c.message.Parts > 0 {
		return first
	}
	var notOffered *coding.NotOfferedError
	if errors.As(refusal, &notOffered) {
		c.fault("encoding", "no carrier of the route takes %s", notOffered.Encoding)
		return first
	}
	c.fault("text", "no carrier of the route takes it: %v", refusal)
	return first
}
