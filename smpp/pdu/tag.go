package pdu

import "fmt"

// Tag names an optional parameter (SMPP 3.4 §5.3.2). Vendors use 0x1400–0x3FFF.
type Tag uint16

// The tags of SMPP 3.4, and those of 5.0 that concern a single message
// (0x0428, 0x060B–0x0613). tagTable has a row for each.
const (
	TagDestAddrSubunit          Tag = 0x0005
	TagDestNetworkType          Tag = 0x0006
	TagDestBearerType           Tag = 0x0007
	TagDestTelematicsID         Tag = 0x0008
	TagSourceAddrSubunit        Tag = 0x000D
	TagSourceNetworkType        Tag = 0x000E
	TagSourceBearerType         Tag = 0x000F
	TagSourceTelematicsID       Tag = 0x0010
	TagQOSTimeToLive            Tag = 0x0017
	TagPayloadType              Tag = 0x0019
	TagAdditionalStatusInfoText Tag = 0x001D
	TagReceiptedMessageID       Tag = 0x001E
	TagMSMsgWaitFacilities      Tag = 0x0030
	TagPrivacyIndicator         Tag = 0x0201
	TagSourceSubaddress         Tag = 0x0202
	TagDestSubaddress           Tag = 0x0203
	TagUserMessageReference     Tag = 0x0204
	TagUserResponseCode         Tag = 0x0205
	TagSourcePort               Tag = 0x020A
	TagDestinationPort          Tag = 0x020B
	TagSARMsgRefNum             Tag = 0x020C
	TagLanguageIndicator        Tag = 0x020D
	TagSARTotalSegments         Tag = 0x020E
	TagSARSegmentSeqnum         Tag = 0x020F
	TagSCInterfaceVersion       Tag = 0x0210
	TagCallbackNumPresInd       Tag = 0x0302
	TagCallbackNumAtag          Tag = 0x0303
	TagNumberOfMessages         Tag = 0x0304
	TagCallbackNum              Tag = 0x0381
	TagDPFResult                Tag = 0x0420
	TagSetDPF                   Tag = 0x0421
	TagMSAvailabilityStatus     Tag = 0x0422
	TagNetworkErrorCode         Tag = 0x0423
	TagMessagePayload           Tag = 0x0424
	TagDeliveryFailureReason    Tag = 0x0425
	TagMoreMessagesToSend       Tag = 0x0426
	TagMessageState             Tag = 0x0427
	TagCongestionState          Tag = 0x0428
	TagUSSDServiceOp            Tag = 0x0501
	TagBillingIdentification    Tag = 0x060B
	TagSourceNetworkID          Tag = 0x060D
	TagDestNetworkID            Tag = 0x060E
	TagSourceNodeID             Tag = 0x060F
	TagDestNodeID               Tag = 0x0610
	TagDestAddrNPResolution     Tag = 0x0611
	TagDestAddrNPInformation    Tag = 0x0612
	TagDestAddrNPCountry        Tag = 0x0613
	TagDisplayTime              Tag = 0x1201
	TagSMSSignal                Tag = 0x1203
	TagMSValidity               Tag = 0x1204
	TagAlertOnMessageDelivery   Tag = 0x130C
	TagITSReplyType             Tag = 0x1380
	TagITSSessionInfo           Tag = 0x1383
)

// tagName is one row of tagTable.
type tagName struct {
	Tag  Tag
	Name string
}

// tagTable is the one list of tags, in ascending order.
var tagTable = []tagName{
	{TagDestAddrSubunit, "dest_addr_subunit"},
	{TagDestNetworkType, "dest_network_type"},
	{TagDestBearerType, "dest_bearer_type"},
	{TagDestTelematicsID, "dest_telematics_id"},
	{TagSourceAddrSubunit, "source_addr_subunit"},
	{TagSourceNetworkType, "source_network_type"},
	{TagSourceBearerType, "source_bearer_type"},
	{TagSourceTelematicsID, "source_telematics_id"},
	{TagQOSTimeToLive, "qos_time_to_live"},
	{TagPayloadType, "payload_type"},
	{TagAdditionalStatusInfoText, "additional_status_info_text"},
	{TagReceiptedMessageID, "receipted_message_id"},
	{TagMSMsgWaitFacilities, "ms_msg_wait_facilities"},
	{TagPrivacyIndicator, "privacy_indicator"},
	{TagSourceSubaddress, "source_subaddress"},
	{TagDestSubaddress, "dest_subaddress"},
	{TagUserMessageReference, "user_message_reference"},
	{TagUserResponseCode, "user_response_code"},
	{TagSourcePort, "source_port"},
	{TagDestinationPort, "destination_port"},
	{TagSARMsgRefNum, "sar_msg_ref_num"},
	{TagLanguageIndicator, "language_indicator"},
	{TagSARTotalSegments, "sar_total_segments"},
	{TagSARSegmentSeqnum, "sar_segment_seqnum"},
	{TagSCInterfaceVersion, "sc_interface_version"},
	{TagCallbackNumPresInd, "callback_num_pres_ind"},
	{TagCallbackNumAtag, "callback_num_atag"},
	{TagNumberOfMessages, "number_of_messages"},
	{TagCallbackNum, "callback_num"},
	{TagDPFResult, "dpf_result"},
	{TagSetDPF, "set_dpf"},
	{TagMSAvailabilityStatus, "ms_availability_status"},
	{TagNetworkErrorCode, "network_error_code"},
	{TagMessagePayload, "message_payload"},
	{TagDeliveryFailureReason, "delivery_failure_reason"},
	{TagMoreMessagesToSend, "more_messages_to_send"},
	{TagMessageState, "message_state"},
	{TagCongestionState, "congestion_state"},
	{TagUSSDServiceOp, "ussd_service_op"},
	{TagBillingIdentification, "billing_identification"},
	{TagSourceNetworkID, "source_network_id"},
	{TagDestNetworkID, "dest_network_id"},
	{TagSourceNodeID, "source_node_id"},
	{TagDestNodeID, "dest_node_id"},
	{TagDestAddrNPResolution, "dest_addr_np_resolution"},
	{TagDestAddrNPInformation, "dest_addr_np_information"},
	{TagDestAddrNPCountry, "dest_addr_np_country"},
	{TagDisplayTime, "display_time"},
	{TagSMSSignal, "sms_signal"},
	{TagMSValidity, "ms_validity"},
	{TagAlertOnMessageDelivery, "alert_on_message_delivery"},
	{TagITSReplyType, "its_reply_type"},
	{TagITSSessionInfo, "its_session_info"},
}

// Name is the spec's name of the tag; empty for what has none here.
func (t Tag) Name() string {
	for i := range tagTable {
		if tagTable[i].Tag == t {
			return tagTable[i].Name
		}
	}
	return ""
}

// String is the spec's name, as in "message_payload", or "tag 0x1400".
func (t Tag) String() string {
	if name := t.Name(); name != "" {
		return name
	}
	return fmt.Sprintf("tag 0x%04X", uint16(t))
}
