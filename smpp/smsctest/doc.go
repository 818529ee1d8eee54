// Package smsctest is a programmable SMSC: the carrier's side of the wire for
// tests, for `bindery simulate`, the demo and the benchmark. Around it stand
// faulty connections (Faulty, Pipe) and a faulty TCP proxy (NewProxy).
//
// It cuts and answers PDUs by a loop of its own and shares only the codec
// (smpp/pdu) with the gateway, so that a mistake in the gateway's session is
// not made twice, and so that it can misbehave freely.
//
// Concurrency: SMSC.mu guards all of its state, the connections' too. Each
// connection has a reader (owns the read buffer and the decoder; takes mu once
// for all that one read brought) and a writer (swaps the connection's output
// under mu, writes without it). One timer runs what is due later. Hooks are
// called on the reader's goroutine without mu, so they may call the SMSC.
// Nothing is kept when it closes; it is a fake.
package smsctest
