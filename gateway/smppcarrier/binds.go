package smppcarrier

// Up is how many binds are up.
func (c *Carrier) Up() int {
	if pool := c.pool.Load(); pool != nil {
		return pool.Up()
	}
	return 0
}

// Held counts the binds that are up or being opened or closed.
func (c *Carrier) Held() int {
	if pool := c.pool.Load(); pool != nil {
		return pool.Held()
	}
	return 0
}

// Withdraw gives back what is unwritten: the lease that it was taken under is
// over.
func (c *Carrier) Withdraw() {
	if pool := c.pool.Load(); pool != nil {
		pool.Withdraw()
	}
}
