int b(void);
int b(void)
{
	return (int)puts (0);
}
