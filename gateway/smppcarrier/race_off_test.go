//go:build !race

package smppcarrier

const raceOn = false
