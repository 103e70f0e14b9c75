int b(void);
int b(void)
{
	return (int)asctime (0);
}
