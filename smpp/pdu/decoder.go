package pdu

// Decoder decodes one PDU after another into structs that it reuses, without
// an allocation. It belongs to one goroutine.
type Decoder struct {
	submitSM          SubmitSM
	submitSMResp      SubmitSMResp
	deliverSM         DeliverSM
	deliverSMResp     DeliverSMResp
	dataSM            DataSM
	dataSMResp        DataSMResp
	bind              Bind
	bindResp          BindResp
	unbind            Unbind
	unbindResp        UnbindResp
	enquireLink       EnquireLink
	enquireLinkResp   EnquireLinkResp
	genericNack       GenericNack
	outbind           Outbind
	submitMulti       SubmitMulti
	submitMultiResp   SubmitMultiResp
	querySM           QuerySM
	querySMResp       QuerySMResp
	cancelSM          CancelSM
	cancelSMResp      CancelSMResp
	replaceSM         ReplaceSM
	replaceSMResp     ReplaceSMResp
	alertNotification AlertNotification
	unknown           Unknown
}

// Decode decodes a whole PDU. What it returns is valid until the next call and
// as long as frame is.
//
// With an error of the type *Error the PDU is returned too, as far as it could
// be read: its header, so that it can be answered or matched, and the fields
// before the one in error (of a response, often its message_id).
func (d *Decoder) Decode(frame []byte) (PDU, error) {
	p := d.pick(frame)
	return p, p.Decode(frame)
}

func (d *Decoder) pick(frame []byte) PDU {
	if len(frame) < HeaderLen {
		return &d.unknown
	}
	switch parseHeader(frame).ID {
	case CommandSubmitSM:
		return &d.submitSM
	case CommandSubmitSMResp:
		return &d.submitSMResp
	case CommandDeliverSM:
		return &d.deliverSM
	case CommandDeliverSMResp:
		return &d.deliverSMResp
	case CommandDataSM:
		return &d.dataSM
	case CommandDataSMResp:
		return &d.dataSMResp
	case CommandEnquireLink:
		return &d.enquireLink
	case CommandEnquireLinkResp:
		return &d.enquireLinkResp
	case CommandBindReceiver, CommandBindTransmitter, CommandBindTransceiver:
		return &d.bind
	case CommandBindReceiverResp, CommandBindTransmitterResp, CommandBindTransceiverResp:
		return &d.bindResp
	case CommandUnbind:
		return &d.unbind
	case CommandUnbindResp:
		return &d.unbindResp
	case CommandGenericNack:
		return &d.genericNack
	case CommandOutbind:
		return &d.outbind
	case CommandSubmitMulti:
		return &d.submitMulti
	case CommandSubmitMultiResp:
		return &d.submitMultiResp
	case CommandQuerySM:
		return &d.querySM
	case CommandQuerySMResp:
		return &d.querySMResp
	case CommandCancelSM:
		return &d.cancelSM
	case CommandCancelSMResp:
		return &d.cancelSMResp
	case CommandReplaceSM:
		return &d.replaceSM
	case CommandReplaceSMResp:
		return &d.replaceSMResp
	case CommandAlertNotification:
		return &d.alertNotification
	default:
		return &d.unknown
	}
}
