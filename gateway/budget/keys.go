package budget

// The keys of a carrier's home that are shared budgets. They have one hash tag
// with what dlr keeps of the carrier, so one script may touch any of them.
func rateKey(carrier string) string  { return home(carrier) + "rate" }
func bindsKey(carrier string) string { return home(carrier) + "binds" }
func stateKey(carrier string) string { return home(carrier) + "state" }

func home(carrier string) string { return "bindery:{c:" + carrier + "}:" }
