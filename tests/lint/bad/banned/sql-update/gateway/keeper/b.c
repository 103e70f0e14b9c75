void b(void) { buf_append_text(&q, "update receipts set x = "); }
