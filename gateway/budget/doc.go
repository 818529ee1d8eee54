// Package budget is what the instances of a gateway share of one carrier: its
// rate in PDUs, its bind slots, and whether it is paused. All of it lives in
// the carrier's home in Redis (keys.go); every step is one script, and one
// instance is the case n = 1. dispatch takes tokens from Rate, gateway wires
// Binds to the bind pool; below are the scripts and internal/redisdb.
//
// A token of the rate is a slot of Redis time. The script grant deals slots
// out in order, one interval apart, whoever asks; a token may be used from its
// slot on and lapses a tolerance later. So the tokens used in any second, of
// all instances together, have their slots in one second plus the tolerance:
// the bound of 1.1 × rate holds by construction, whatever an instance does,
// also when it dies with tokens in its hands or one of its calls runs twice.
//
// # The present rate
//
// A carrier may take less than is configured, and says so by throttling. The
// script learns its rate from the counts that come with the asks (additive
// increase, multiplicative decrease), and all instances go by it at once.
//
// What is known of a carrier that throttles is little: dispatch is quiet for its
// throttle pause after each such answer, so there may be a burst a second and
// nothing else, and what is taken then says how large the carrier's burst is and
// not how fast it is. So what was taken is gone by only if the flow was whole in
// the second before (no more than three tenths of it without an answer):
//   - it took less than was sent: that is its rate, the ceiling; on at 95 % of it.
//   - it took nearly all of a whole second: a little too fast; on at 90 %, or at
//     80 % if it throttles again within ten seconds.
//   - no whole second: half of the rate, or a quarter if hardly a twentieth was
//     taken; but the ceiling that is known if the rate had grown beyond it.
//
// There is one cut a second, the time in which a cut shows. From it the rate goes
// by a cubic curve, as that of TCP CUBIC: at first steep, flat by the tenth
// second at the middle of what was too much and what it was cut to, and steeper
// again after it, up to the configured rate 55 s after the cut. So it stays for
// long near the ceiling, where a throttle costs a pause, tries it about three
// times a minute, and a limit that is lifted is left behind in a minute
// whatever the two rates are: long enough that a carrier which closes again is
// found by a small excess, short enough for a night's campaign. Without a
// configured rate the curve rises by multiples of the ceiling, and the limit is
// gone at four times of it (48 s); from a start at which nothing was known the
// rate doubles each second instead, and the limit is gone after ten.
// All of it is time in which tokens are asked for: what was learned stays while
// nothing is sent. Where dispatch is quiet for longer after a throttle the curve
// stays flat for as much longer, up to five minutes: a try costs a pause.
//
// Some carriers throttle one in a thousand at any rate, and a cut would only
// lose throughput. Less than one in 300, over half a minute, changes nothing as
// long as the rate is as configured, and after a cut if such throttles came also
// in the ten seconds that it was below the ceiling.
//
// # Who owns what
//
// Rate.Run is the only goroutine that asks for grants; Binds.Run and Together
// renew the lease of bind slots, one at a time (Binds.turn). Take, Return,
// Answered and the readers of state go through one mutex of each. Nothing is
// written outside Redis, so a process that dies between two steps leaves slots
// of time that lapse within a second, and a row of binds that lapses with its
// lease.
package budget
