int b(const struct form *f);
