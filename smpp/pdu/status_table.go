package pdu

// The statuses of SMPP 3.4 (§5.1.3): the spec's ESME_R names in Go's case.
// statusTable has a row for each.
const (
	StatusOK              CommandStatus = 0x00
	StatusInvMsgLen       CommandStatus = 0x01
	StatusInvCmdLen       CommandStatus = 0x02
	StatusInvCmdID        CommandStatus = 0x03
	StatusInvBndSts       CommandStatus = 0x04
	StatusAlyBnd          CommandStatus = 0x05
	StatusInvPrtFlg       CommandStatus = 0x06
	StatusInvRegDlvFlg    CommandStatus = 0x07
	StatusSysErr          CommandStatus = 0x08
	StatusInvSrcAdr       CommandStatus = 0x0A
	StatusInvDstAdr       CommandStatus = 0x0B
	StatusInvMsgID        CommandStatus = 0x0C
	StatusBindFail        CommandStatus = 0x0D
	StatusInvPaswd        CommandStatus = 0x0E
	StatusInvSysID        CommandStatus = 0x0F
	StatusCancelFail      CommandStatus = 0x11
	StatusReplaceFail     CommandStatus = 0x13
	StatusMsgQFul         CommandStatus = 0x14
	StatusInvSerTyp       CommandStatus = 0x15
	StatusInvNumDests     CommandStatus = 0x33
	StatusInvDLName       CommandStatus = 0x34
	StatusInvDestFlag     CommandStatus = 0x40
	StatusInvSubRep       CommandStatus = 0x42
	StatusInvESMClass     CommandStatus = 0x43
	StatusCntSubDL        CommandStatus = 0x44
	StatusSubmitFail      CommandStatus = 0x45
	StatusInvSrcTON       CommandStatus = 0x48
	StatusInvSrcNPI       CommandStatus = 0x49
	StatusInvDstTON       CommandStatus = 0x50
	StatusInvDstNPI       CommandStatus = 0x51
	StatusInvSysTyp       CommandStatus = 0x53
	StatusInvRepFlag      CommandStatus = 0x54
	StatusInvNumMsgs      CommandStatus = 0x55
	StatusThrottled       CommandStatus = 0x58
	StatusInvSched        CommandStatus = 0x61
	StatusInvExpiry       CommandStatus = 0x62
	StatusInvDftMsgID     CommandStatus = 0x63
	StatusXTAppn          CommandStatus = 0x64
	StatusXPAppn          CommandStatus = 0x65
	StatusXRAppn          CommandStatus = 0x66
	StatusQueryFail       CommandStatus = 0x67
	StatusInvOptParStream CommandStatus = 0xC0
	StatusOptParNotAllwd  CommandStatus = 0xC1
	StatusInvParLen       CommandStatus = 0xC2
	StatusMissingOptParam CommandStatus = 0xC3
	StatusInvOptParamVal  CommandStatus = 0xC4
	StatusDeliveryFailure CommandStatus = 0xFE
	StatusUnknownErr      CommandStatus = 0xFF
)

// status is one row of statusTable.
type status struct {
	Value  CommandStatus
	Name   string
	Class  Class
	Action string // for the console and the manual
}

// statusTable is the one list of statuses. The classes follow what carriers
// mean in practice where the spec leaves it open: 0x45, 0xFE and 0xFF are
// passing faults at most of them, 0x65 and 0x66 are not.
var statusTable = []status{
	{StatusOK, "ESME_ROK", ClassOK, "accepted"},
	{StatusInvMsgLen, "ESME_RINVMSGLEN", ClassPermanent, "text too long or empty: check encoding and long_message"},
	{StatusInvCmdLen, "ESME_RINVCMDLEN", ClassPermanent, "the peer could not frame the PDU"},
	{StatusInvCmdID, "ESME_RINVCMDID", ClassPermanent, "the peer does not know this operation"},
	{StatusInvBndSts, "ESME_RINVBNDSTS", ClassSession, "not allowed in this bind state: bind anew"},
	{StatusAlyBnd, "ESME_RALYBND", ClassSession, "too many binds: wait for a bind slot"},
	{StatusInvPrtFlg, "ESME_RINVPRTFLG", ClassPermanent, "priority_flag refused"},
	{StatusInvRegDlvFlg, "ESME_RINVREGDLVFLG", ClassPermanent, "registered_delivery refused"},
	{StatusSysErr, "ESME_RSYSERR", ClassTemporary, "fault inside the peer: retry"},
	{StatusInvSrcAdr, "ESME_RINVSRCADR", ClassPermanent, "sender refused: check number, TON and NPI, and registration"},
	{StatusInvDstAdr, "ESME_RINVDSTADR", ClassPermanent, "recipient refused: check number, TON and NPI, and route"},
	{StatusInvMsgID, "ESME_RINVMSGID", ClassUnknown, "no answer to a submit: retried, capped"},
	{StatusBindFail, "ESME_RBINDFAIL", ClassAuth, "bind refused: check the account, the peer's address list and the bind limit"},
	{StatusInvPaswd, "ESME_RINVPASWD", ClassAuth, "bind refused: wrong password"},
	{StatusInvSysID, "ESME_RINVSYSID", ClassAuth, "bind refused: wrong system_id"},
	{StatusCancelFail, "ESME_RCANCELFAIL", ClassUnknown, "no answer to a submit: retried, capped"},
	{StatusReplaceFail, "ESME_RREPLACEFAIL", ClassUnknown, "no answer to a submit: retried, capped"},
	{StatusMsgQFul, "ESME_RMSGQFUL", ClassTemporary, "queue full, perhaps of this recipient only: retry, slow down when it is frequent"},
	{StatusInvSerTyp, "ESME_RINVSERTYP", ClassPermanent, "service_type refused"},
	{StatusInvNumDests, "ESME_RINVNUMDESTS", ClassPermanent, "number of destinations refused"},
	{StatusInvDLName, "ESME_RINVDLNAME", ClassPermanent, "distribution list refused"},
	{StatusInvDestFlag, "ESME_RINVDESTFLAG", ClassPermanent, "dest_flag refused"},
	{StatusInvSubRep, "ESME_RINVSUBREP", ClassPermanent, "replace_if_present_flag refused"},
	{StatusInvESMClass, "ESME_RINVESMCLASS", ClassPermanent, "esm_class refused: check long_message"},
	{StatusCntSubDL, "ESME_RCNTSUBDL", ClassPermanent, "no submit to a distribution list"},
	{StatusSubmitFail, "ESME_RSUBMITFAIL", ClassTemporary, "submit failed without a reason: retry"},
	{StatusInvSrcTON, "ESME_RINVSRCTON", ClassPermanent, "source_addr_ton refused"},
	{StatusInvSrcNPI, "ESME_RINVSRCNPI", ClassPermanent, "source_addr_npi refused"},
	{StatusInvDstTON, "ESME_RINVDSTTON", ClassPermanent, "dest_addr_ton refused"},
	{StatusInvDstNPI, "ESME_RINVDSTNPI", ClassPermanent, "dest_addr_npi refused"},
	{StatusInvSysTyp, "ESME_RINVSYSTYP", ClassPermanent, "system_type refused: check the bind settings"},
	{StatusInvRepFlag, "ESME_RINVREPFLAG", ClassPermanent, "replace_if_present_flag refused"},
	{StatusInvNumMsgs, "ESME_RINVNUMMSGS", ClassPermanent, "number of messages refused"},
	{StatusThrottled, "ESME_RTHROTTLED", ClassThrottled, "over the peer's rate: slow the bind down, the message goes again first"},
	{StatusInvSched, "ESME_RINVSCHED", ClassPermanent, "schedule_delivery_time refused"},
	{StatusInvExpiry, "ESME_RINVEXPIRY", ClassPermanent, "validity_period refused"},
	{StatusInvDftMsgID, "ESME_RINVDFTMSGID", ClassPermanent, "sm_default_msg_id refused"},
	{StatusXTAppn, "ESME_RX_T_APPN", ClassTemporary, "the receiver is busy: retry"},
	{StatusXPAppn, "ESME_RX_P_APPN", ClassPermanent, "the receiver refuses for good"},
	{StatusXRAppn, "ESME_RX_R_APPN", ClassPermanent, "the receiver rejects the message"},
	{StatusQueryFail, "ESME_RQUERYFAIL", ClassUnknown, "no answer to a submit: retried, capped"},
	{StatusInvOptParStream, "ESME_RINVOPTPARSTREAM", ClassPermanent, "the peer could not read the optional parameters"},
	{StatusOptParNotAllwd, "ESME_ROPTPARNOTALLWD", ClassPermanent, "an optional parameter is not allowed"},
	{StatusInvParLen, "ESME_RINVPARLEN", ClassPermanent, "a parameter has a wrong length"},
	{StatusMissingOptParam, "ESME_RMISSINGOPTPARAM", ClassPermanent, "an optional parameter is missing"},
	{StatusInvOptParamVal, "ESME_RINVOPTPARAMVAL", ClassPermanent, "an optional parameter has a wrong value"},
	{StatusDeliveryFailure, "ESME_RDELIVERYFAILURE", ClassTemporary, "delivery failed (data_sm): retry"},
	{StatusUnknownErr, "ESME_RUNKNOWNERR", ClassTemporary, "fault without a name: retry"},
}
