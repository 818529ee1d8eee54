package pdu

// The longest values that are sent, in octets, a NUL not counted (SMPP 3.4
// §5.2). Decode takes longer ones.
const (
	maxServiceType  = 5   // §5.2.11
	maxAddress      = 20  // §5.2.8, all others
	maxDataAddress  = 64  // §4.7.1, §4.12.1: data_sm and alert_notification
	maxAddressRange = 40  // §5.2.7
	maxSystemID     = 15  // §5.2.1
	maxPassword     = 8   // §5.2.2
	maxSystemType   = 12  // §5.2.3
	maxMessageID    = 64  // §5.2.23
	maxListName     = 20  // §5.2.27
	maxDestinations = 254 // §5.2.24
	maxUnsuccess    = 255 // §5.2.26: an octet
	maxShortMessage = 254 // §5.2.21
	maxTLVValue     = 65535
	timeLen         = 16 // §7.1.1
)
