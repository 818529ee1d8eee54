package pdu

type (
	CommandID     uint32
	CommandStatus uint32
	Bind          struct{ Header }
)
