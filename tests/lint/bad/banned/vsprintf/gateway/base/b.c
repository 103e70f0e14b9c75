int b(void);
int b(void)
{
	return (int)vsprintf (0);
}
