void b(void) { q = sqlite3_mprintf("DELETE FROM %s", t); }
