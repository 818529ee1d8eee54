// Package dispatch drains the queue into one carrier. The gateway makes one
// Dispatcher a carrier; it asks the messages' home (package queue) for parts,
// hands them to a Connector, and brings what the carrier says back: first to
// the carrier's home (package dlr), then to the messages'.
//
// # Who owns what
//
// Four goroutines a carrier, none a message:
//
//   - the leaser (lease.go) owns the lease call; at most one is in flight. It
//     asks for what the credits allow and appends the answer to the hand.
//   - the submitter (submit.go) alone takes parts off the hand and gives them
//     to Connector.Submit.
//   - the responder (respond.go) owns everything between an outcome and its
//     settle: what is to be correlated, settled, finished, dropped. One round
//     is in flight at a time, so the stages of one part never overlap.
//   - the sweeper (parked.go) removes ids whose parts have ended.
//
// The hand (hand.go: what is leased and not settled) and the inbox (inbox.go:
// what the connector told and no round took yet) are shared, each under one
// mutex that is held for a batch at most and never over a call that waits.
//
// # The order of the steps, and a death between them
//
// capacity, lease, [mark], submit: credits are counted before Redis is asked.
// A process that dies after a lease leaves an entry under its owner's row,
// which another instance reclaims; what was not marked or written goes back as
// it was, announced as maybe sent.
//
// submit, outcome: the connector owes one outcome for each submission. When
// the process dies the reclaim sends the part again, and says so.
//
// correlate, settle: a response is made known in the carrier's home first. A
// death in between leaves an id without a decision: the reclaim puts the part
// back, a receipt under that id may end it meanwhile, and a lease skips what
// has ended. A settle that went ahead of its correlate would leave a submitted
// part that no receipt can find: so the settle waits until the correlate was
// answered without error, in a call of its own, however long that takes. What
// is unsettled holds its credit, so an absent Redis bounds itself.
//
// find, finish, answer: a receipt is answered OK when it is finished or parked.
// A death before that leaves it unanswered, the carrier repeats it, and the
// repeat changes nothing. A receipt whose lookup fails is answered with an
// error at once; it is not kept here.
//
// correlate, settle, finish of a parked receipt, drop: a parked receipt stays
// in the carrier's home until it was finished; whoever walks there next
// completes it. An id is forgotten only after its part's final was answered.
//
// uncertain, late answer: the late answer's finish waits until the settle that
// called the part uncertain was answered, else the settle would come second and
// send again what the carrier has.
//
// # Urgent parts
//
// Bulk at full speed holds every credit that it can get. So a twentieth of the
// credits, and at least one from eight on, is for urgent parts only, out of the
// prefetch: bulk can still fill the window. The leaser asks for those credits
// alone only when a reply said that urgent parts wait or the doorbell rang. In
// the hand urgent parts have a line of their own that goes first; after each 16
// of them one of the others goes, so that a flood of urgent parts neither keeps
// what is leased of the others nor their credits. Order holds within a lane, and
// a lane has one priority.
//
// # A lapsed owner
//
// Nothing is handed to the connector unless the owner's lease holds. Once the
// row is gone (queue.ErrLapsed) everything unwritten is dropped, since by then
// it belongs to whoever reclaimed it; responses that still come are correlated
// and finished without a lease; work goes on under the owner that the gateway
// registers next.
//
// # Flood
//
// Sink methods never block, and the reader of a session never waits for Redis:
// it has responses and enquire_link to read too. What is not stored yet is
// bounded by Config.MaxUnstored; past it a receipt is answered with an error
// at once, which the connector turns into ESME_RX_T_APPN, the status by which
// SMPP asks for a repeat. Stopping to read instead would hold the responses
// behind the receipts and make healthy submits uncertain.
package dispatch
