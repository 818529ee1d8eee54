package pdu

import "fmt"

// CommandID names an operation (SMPP 3.4 §5.1.2.1). A response has bit 31 set.
type CommandID uint32

// The command ids of SMPP 3.4 (§5.1.2.1). commandTable has a row for each.
const (
	CommandBindReceiver        CommandID = 0x00000001
	CommandBindTransmitter     CommandID = 0x00000002
	CommandQuerySM             CommandID = 0x00000003
	CommandSubmitSM            CommandID = 0x00000004
	CommandDeliverSM           CommandID = 0x00000005
	CommandUnbind              CommandID = 0x00000006
	CommandReplaceSM           CommandID = 0x00000007
	CommandCancelSM            CommandID = 0x00000008
	CommandBindTransceiver     CommandID = 0x00000009
	CommandOutbind             CommandID = 0x0000000B
	CommandEnquireLink         CommandID = 0x00000015
	CommandSubmitMulti         CommandID = 0x00000021
	CommandAlertNotification   CommandID = 0x00000102
	CommandDataSM              CommandID = 0x00000103
	CommandGenericNack         CommandID = 0x80000000
	CommandBindReceiverResp    CommandID = 0x80000001
	CommandBindTransmitterResp CommandID = 0x80000002
	CommandQuerySMResp         CommandID = 0x80000003
	CommandSubmitSMResp        CommandID = 0x80000004
	CommandDeliverSMResp       CommandID = 0x80000005
	CommandUnbindResp          CommandID = 0x80000006
	CommandReplaceSMResp       CommandID = 0x80000007
	CommandCancelSMResp        CommandID = 0x80000008
	CommandBindTransceiverResp CommandID = 0x80000009
	CommandEnquireLinkResp     CommandID = 0x80000015
	CommandSubmitMultiResp     CommandID = 0x80000021
	CommandDataSMResp          CommandID = 0x80000103
)

// responseBit is what tells a response from a request (§5.1.2).
const responseBit CommandID = 0x80000000

// command is one row of commandTable.
type command struct {
	ID   CommandID
	Name string
	New  func() PDU // makes the struct that decodes it
}

// commandTable is the one list of commands: names and structs.
var commandTable = []command{
	{CommandBindReceiver, "bind_receiver", newBind(CommandBindReceiver)},
	{CommandBindTransmitter, "bind_transmitter", newBind(CommandBindTransmitter)},
	{CommandQuerySM, "query_sm", func() PDU { return &QuerySM{Header: Header{ID: CommandQuerySM}} }},
	{CommandSubmitSM, "submit_sm", func() PDU { return &SubmitSM{Header: Header{ID: CommandSubmitSM}} }},
	{CommandDeliverSM, "deliver_sm", func() PDU { return &DeliverSM{Header: Header{ID: CommandDeliverSM}} }},
	{CommandUnbind, "unbind", func() PDU { return &Unbind{Header{ID: CommandUnbind}} }},
	{CommandReplaceSM, "replace_sm", func() PDU { return &ReplaceSM{Header: Header{ID: CommandReplaceSM}} }},
	{CommandCancelSM, "cancel_sm", func() PDU { return &CancelSM{Header: Header{ID: CommandCancelSM}} }},
	{CommandBindTransceiver, "bind_transceiver", newBind(CommandBindTransceiver)},
	{CommandOutbind, "outbind", func() PDU { return &Outbind{Header: Header{ID: CommandOutbind}} }},
	{CommandEnquireLink, "enquire_link", func() PDU { return &EnquireLink{Header{ID: CommandEnquireLink}} }},
	{CommandSubmitMulti, "submit_multi", func() PDU { return &SubmitMulti{Header: Header{ID: CommandSubmitMulti}} }},
	{CommandAlertNotification, "alert_notification", func() PDU { return &AlertNotification{Header: Header{ID: CommandAlertNotification}} }},
	{CommandDataSM, "data_sm", func() PDU { return &DataSM{Header: Header{ID: CommandDataSM}} }},
	{CommandGenericNack, "generic_nack", func() PDU { return &GenericNack{Header{ID: CommandGenericNack}} }},
	{CommandBindReceiverResp, "bind_receiver_resp", newBindResp(CommandBindReceiverResp)},
	{CommandBindTransmitterResp, "bind_transmitter_resp", newBindResp(CommandBindTransmitterResp)},
	{CommandQuerySMResp, "query_sm_resp", func() PDU { return &QuerySMResp{Header: Header{ID: CommandQuerySMResp}} }},
	{CommandSubmitSMResp, "submit_sm_resp", func() PDU { return &SubmitSMResp{Header: Header{ID: CommandSubmitSMResp}} }},
	{CommandDeliverSMResp, "deliver_sm_resp", func() PDU { return &DeliverSMResp{Header: Header{ID: CommandDeliverSMResp}} }},
	{CommandUnbindResp, "unbind_resp", func() PDU { return &UnbindResp{Header{ID: CommandUnbindResp}} }},
	{CommandReplaceSMResp, "replace_sm_resp", func() PDU { return &ReplaceSMResp{Header{ID: CommandReplaceSMResp}} }},
	{CommandCancelSMResp, "cancel_sm_resp", func() PDU { return &CancelSMResp{Header{ID: CommandCancelSMResp}} }},
	{CommandBindTransceiverResp, "bind_transceiver_resp", newBindResp(CommandBindTransceiverResp)},
	{CommandEnquireLinkResp, "enquire_link_resp", func() PDU { return &EnquireLinkResp{Header{ID: CommandEnquireLinkResp}} }},
	{CommandSubmitMultiResp, "submit_multi_resp", func() PDU { return &SubmitMultiResp{Header: Header{ID: CommandSubmitMultiResp}} }},
	{CommandDataSMResp, "data_sm_resp", func() PDU { return &DataSMResp{Header: Header{ID: CommandDataSMResp}} }},
}

func newBind(id CommandID) func() PDU {
	return func() PDU { return &Bind{Header: Header{ID: id}} }
}

func newBindResp(id CommandID) func() PDU {
	return func() PDU { return &BindResp{Header: Header{ID: id}} }
}

// New makes an empty struct for a command, with its id set; an *Unknown where
// this package has no struct for it.
func New(id CommandID) PDU {
	for i := range commandTable {
		if c := &commandTable[i]; c.ID == id {
			return c.New()
		}
	}
	return &Unknown{Header: Header{ID: id}}
}

// IsResponse tells whether the id is that of a response; generic_nack is one.
func (id CommandID) IsResponse() bool { return id&responseBit != 0 }

// Response is the id of the answer to a request. What has no response of its
// own in SMPP (outbind, alert_notification) gets an id that nobody knows.
func (id CommandID) Response() CommandID { return id | responseBit }

// String is the spec's name, as in "submit_sm", or "command 0x00010203".
func (id CommandID) String() string {
	for i := range commandTable {
		if commandTable[i].ID == id {
			return commandTable[i].Name
		}
	}
	return fmt.Sprintf("command 0x%08X", uint32(id))
}
