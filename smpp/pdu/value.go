package pdu

// Bits of esm_class (SMPP 3.4 §5.2.12).
const (
	ESMClassModeMask    = 0x03 // messaging mode
	ESMClassDatagram    = 0x01
	ESMClassForward     = 0x02 // transaction mode
	ESMClassStore       = 0x03 // store and forward
	ESMClassTypeMask    = 0x3C // message type
	ESMClassReceipt     = 0x04 // delivery receipt, in deliver_sm and data_sm
	ESMClassDeliveryAck = 0x08 // by the SME
	ESMClassManualAck   = 0x10 // by the user
	ESMClassAbort       = 0x18 // of a conversation (Korean CDMA)
	ESMClassNotice      = 0x20 // intermediate delivery notification
	ESMClassUDHI        = 0x40 // short_message begins with a user data header
	ESMClassReplyPath   = 0x80
)

// Bits of registered_delivery (§5.2.17).
const (
	RegisteredDeliveryMask    = 0x03 // receipt by the SMSC
	RegisteredDeliveryFinal   = 0x01 // on success and failure
	RegisteredDeliveryFailure = 0x02 // on failure only
	RegisteredDeliveryAck     = 0x04 // by the SME
	RegisteredDeliveryManual  = 0x08 // by the user
	RegisteredDeliveryNotice  = 0x10 // intermediate notification
)

// Type of number (§5.2.5).
const (
	TONUnknown       = 0
	TONInternational = 1
	TONNational      = 2
	TONNetwork       = 3 // network specific: short codes
	TONSubscriber    = 4
	TONAlphanumeric  = 5
	TONAbbreviated   = 6
)

// Numbering plan (§5.2.6).
const (
	NPIUnknown  = 0
	NPIISDN     = 1 // E.163, E.164
	NPIData     = 3
	NPITelex    = 4
	NPILandMob  = 6 // E.212
	NPINational = 8
	NPIPrivate  = 9
	NPIERMES    = 10
	NPIInternet = 14
	NPIWAP      = 18
)

// Values of dest_flag (§5.2.25).
const (
	DestFlagSME  = 1
	DestFlagList = 2 // a distribution list
)

// Values of message_state (§5.2.28).
const (
	MessageStateEnroute       = 1
	MessageStateDelivered     = 2
	MessageStateExpired       = 3
	MessageStateDeleted       = 4
	MessageStateUndeliverable = 5
	MessageStateAccepted      = 6
	MessageStateUnknown       = 7
	MessageStateRejected      = 8
)

// Versions of the protocol, for interface_version (§5.2.4).
const (
	Version33 = 0x33
	Version34 = 0x34
	Version50 = 0x50
)
