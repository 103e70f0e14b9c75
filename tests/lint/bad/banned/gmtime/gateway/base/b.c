int b(void);
int b(void)
{
	return (int)gmtime (0);
}
