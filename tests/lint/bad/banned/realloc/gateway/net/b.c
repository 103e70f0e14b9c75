void *b(void *p);
void *b(void *p)
{
	return realloc(p, 100);
}
