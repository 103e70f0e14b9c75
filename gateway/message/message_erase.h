/*
 * message_record_valid() of the messages about erasure.  Any thread.
 */
#ifndef MESSAGE_MESSAGE_ERASE_H
#define MESSAGE_MESSAGE_ERASE_H

#include "message/message.h"

bool message_erase_valid(enum party from, const struct msg_erase *m);
bool message_legal_valid(const struct msg_legal *m);
bool message_payment_valid(const struct msg_payment *m);
bool message_erased_valid(const struct msg_erased *m);

#endif
