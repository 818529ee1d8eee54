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
// Who owns what: Rate.Run is the only goroutine that asks for grants, and
// Binds.Run the only one that renews the lease of bind slots; Take, Return,
// Answered and the readers of state go through one mutex of each. Nothing is
// written outside Redis, so a process that dies between two steps leaves slots
// of time that lapse within a second, and a row of binds that lapses with its
// lease.
package budget
