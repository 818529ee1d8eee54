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
