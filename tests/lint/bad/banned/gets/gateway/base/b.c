int b(void);
int b(void)
{
	return (int)gets (0);
}
