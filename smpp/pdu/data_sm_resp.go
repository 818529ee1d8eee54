package pdu

// DataSMResp answers a data_sm (SMPP 3.4 §4.7.2). The fields are those of
// SubmitSMResp.
type DataSMResp SubmitSMResp

// AppendTo implements PDU.
func (p *DataSMResp) AppendTo(dst []byte) ([]byte, error) {
	return (*SubmitSMResp)(p).appendWithBody(dst, CommandDataSMResp)
}

// Decode implements PDU.
func (p *DataSMResp) Decode(src []byte) error {
	return (*SubmitSMResp)(p).decode(src, CommandDataSMResp)
}
