void b(void) { snprintf(q, sizeof(q), "SELECT id FROM receipts WHERE id = '%s'", id); }
