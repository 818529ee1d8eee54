//go:build race

package smppcarrier

const raceOn = true
