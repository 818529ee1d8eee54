// Package smppcarrier is the SMPP Connector of gateway/dispatch for one
// carrier: it writes text as this carrier takes it, submits it over the
// carrier's binds (package bindpool), tells a submission's outcome from its
// response, and makes receipts and inbound messages of deliver_sm and data_sm.
// The gateway makes one Carrier for each carrier and hands it to the carrier's
// dispatcher, which is its Sink. The message format is all that it decides;
// what an outcome means for a message is dispatch's, where it is kept is the
// queue's.
//
// # Who owns what
//
// A Carrier has no goroutine of its own. Submit runs on the dispatcher's and
// owns the scratch in Carrier.out. Results and requests come on the readers of
// the sessions and gather in the bind's link (link.go) until what one read
// brought is complete; then outcomes are told before receipts. Stored may come
// on any goroutine.
//
//   - tokens (tokens.go) joins a submission to its result. A row is taken before
//     the session has the PDU and given back by the result; that of a time-out
//     is kept for a late answer until the bind is down. A token carries its
//     row's generation, so what comes twice finds nothing.
//   - acks (acks.go) joins a receipt that is being stored to the request that
//     it came by. A session that ended meanwhile refuses the answer, and the
//     carrier repeats the request on its next one.
//
// Both are arrays under a mutex with a list of free rows: no allocation for a
// message once they have grown.
//
// # Slots
//
// A submission holds its slot until the Sink was told its outcome, not only
// until the session saw the response. So the dispatcher knows of a throttled
// response before it can use the slot that this response freed.
//
// # When the process dies
//
// Nothing here outlives it. What was submitted and not told is for the reclaim
// of its lease; what was delivered to us and not answered the carrier repeats.
package smppcarrier
